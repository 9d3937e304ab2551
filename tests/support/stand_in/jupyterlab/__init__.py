"""A stand-in for JupyterLab, which starts in no time: see __main__.py."""
