"""The commands of the command line, one file for each.

A file has `add(commands)`, which tells argparse about the command and its options, and the function that runs it: it
takes the parsed options, and returns the exit status (None is 0). What only this command needs is imported in there, so
that `muxlab doctor` does not wait for the libraries of another.
"""
