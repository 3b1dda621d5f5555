"""Run the code of users where it can do no harm.

Each function has a process of its own, without network, files, children, other people's signals or much
memory (policy.py). The process is told rows and answers numbers over a pipe; whatever else happens costs
the row that it happened on, and a new process scores the next. Nothing here knows Django.
"""
