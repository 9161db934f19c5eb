"""One module per command. Each is thin: it calls one function of the domain and shows the result.

Engines are imported inside the commands, so that ``hcip --help`` responds at once.
"""
