"""What keeps a session alive: a supervisor that starts it again, watchdogs that look after it, jobs at their hours.

    supervisor   the outer process: runner as a child, watchdogs, alerts, metrics, jobs, and what else is served
    watchdogs    (pulse, machine, broker's clock, now) -> what is wrong, and what to do about it
    schedule     before the open, after the close, at night; early closes and sleeping machines included
    jobs         what is done then, each in a process of its own
    history      what ran, and how it ended
    report       the day on a page

It sees the session through its files and acts through the operator's folder and signals, so it can die and come back.
"""
