"""The pictures of the README, made from the real thing: a panel photographed in JupyterLab, and two of the charts."""
