"""The simulated rack: a program of its own that speaks the protocols of a real one on loopback.

It imports nothing else of this package, so that it cannot share its bugs; `python -m pytest_qacloud.rack` starts it.
`app` wires; `machine` is one computer as a pure state machine, `node` gives it its network faces, and `bmc`, `cobbler`,
`puppet`, `ssh`, `storage`, `control` and `cloudstack` are the services.
"""
