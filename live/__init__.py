"""Live replay: the desk of the backtest, driven row by row, crash-only, journalled, and compared with its backtest.

    python -m live --strategy trend                 replay the bundled indices, or --input of your own
    python -m live parity sessions/trend            rerun it as a backtest and show the differences
    python -m live halt sessions/trend              the kill switch: halt, reduce, flatten, resume

    live.session.replay(strategy, bars, folder)     the same from Python
    live.parity.check(folder)

Errors, all of them `LiveError`:

    LiveError
    ├── JournalError          a file of frames that cannot be trusted
    │   ├── ForeignFile       it is none of ours
    │   ├── OtherVersion      it was written in another format
    │   └── Corrupted         something before its end is damaged
    ├── SealError             sealed state and no passphrase, another one, or it was changed: nothing is used
    ├── StoreError            a store of copies does not answer, or there is no state but what it cannot tell
    ├── StateError            a snapshot that is not of this session; the one before it or the journal takes its place
    ├── SessionError          what was asked does not fit the session in this folder
    │   └── SessionInUse      another process runs it
    ├── ConfigError           a setting is missing or makes no sense: set it
    ├── FeedError             market data that will not come: other keys, plan or symbols are needed
    │   └── HistoryError      no source gave bars of the past
    ├── BrokerError           the broker was asked for what it cannot do
    │   ├── Refused           it said no: the order is dropped and the desk told
    │   ├── Unanswered        nobody knows whether the call had its effect: it is looked up by its name
    │   ├── Unsent            the call never left, so nothing happened: it is tried again
    │   └── Broken            too many failures in a row: no call until the circuit closes
    ├── AuditError            the audit log cannot be gone on with: nothing is done that it could not tell of
    ├── SeatError             the operator's seat cannot be served
    ├── Denied                what the loopback answers with an HTTP error
    └── ReconcileError        desk and broker differ and nothing explains it: no trading
"""
