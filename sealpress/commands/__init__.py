"""What all commands are at the terminal: their options and their end, what they print, what they ask.

command.py  options that all have; how problems end, and Ctrl-C
console.py  progress, tables, results
generator.py  [build] command, a program that a repository names, and whether it may run
"""
