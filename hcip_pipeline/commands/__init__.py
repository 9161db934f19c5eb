"""One module a command: thin, each calls one function of the domain and shows what came back.

Imports of the engines are inside the commands, so that ``hcip --help`` answers at once.
"""
