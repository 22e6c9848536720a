// What changes, as the seat tells it; when the connection is lost it is made again.

const FIRST = 500; // milliseconds before the first new attempt
const LONGEST = 8000;

/**
 * Listen until `stop()` is called.
 * hear(message) is told everything; away(code) that the connection is lost.
 */
export function listen(hear, away) {
  let socket = null;
  let wait = FIRST;
  let stopped = false;

  const open = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/api/stream`);
    socket.onmessage = (event) => {
      wait = FIRST;
      hear(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      away(event.code);
      if (stopped || event.code === 4401) return;
      setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST);
    };
  };
  open();
  return () => {
    stopped = true;
    socket.close();
  };
}
