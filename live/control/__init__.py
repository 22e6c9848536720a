"""The operator's seat: what is seen of a running session, and what may be done about it.

    pulse, journal, log   -> follow  -> api, stream -> page        reading only
    page, command line    -> auth, confirm -> audit -> live.operator's folder

It runs beside the session and talks with it through files alone: it can die without hurting trading, and it outlives
the session's death.
"""
