"""Helpers that tests share. No test module imports another one or a conftest.

project     the project's folders, and an environment and ports for processes
server      a server under test, `python app.py`;  http  requests to it;  browser  types of the browser tests
hub_stub    a stub of the Hugging Face Hub
bundles     damaged, trained and published bundles, made from the bundled models
checkout    checkouts of the project in a git repository of their own
commands    run `python -m train` and `python -m models` in this process
samples     small data sets in upstream's layouts;  site  a web server that can misbehave
small_task  a recipe, a task and a backbone that train in a second
tiny_runs   runs that are trained and exported once for all tests and workers
"""
