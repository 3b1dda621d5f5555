"""The engine: vLLM's OpenAI server as a plain program. `python -m embassy.engines.server …vLLM's arguments…`.

It knows nothing of Django. `preload` makes it a program for the standby, which forks engines in about a
second; started by hand it does the same, only with the imports first. Its working directory is the engine's
own folder: sockets and temporary files go there, and whoever started the engine deletes it afterwards.
"""
