// The API.  A log-in proves with each act that it comes from this page.

let proof = "";

/** Remember what proves that a request comes from this page. */
export function prove(given) {
  proof = given ?? "";
}

/** Ask; what comes back is the answer, or an Error that says what was wrong and carries its status. */
export async function ask(path, body = null) {
  const options = { method: body === null ? "GET" : "POST", credentials: "same-origin", headers: {} };
  if (body !== null) {
    options.headers = { "Content-Type": "application/json", "X-Seat-Proof": proof };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw Object.assign(new Error("the seat does not answer"), { status: 0 });
  }
  const said = await answer.json().catch(() => ({ error: `status ${answer.status}` }));
  if (!answer.ok) throw Object.assign(new Error(said.error), { status: answer.status });
  return said;
}
