"""What all commands are at the terminal: their options and their end, what they print, what they ask.

command.py  options that all have; how problems end, and Ctrl-C
console.py  progress, tables, results
consent.py  whether a program that a repository names may run; generator.py: [build] command, which is one
"""
