"""A learner's copy of the course, and JupyterLab on it: what `muxlab lab` does.

    chapters     the chapters that this package holds, as they are handed out
    copy         the copy in a folder of the learner's: made, brought up to date, one chapter given out again
    environment  whether this Python has all that is needed
    jupyter      JupyterLab on a copy: started, found again, ended
    stills       what a chapter shows of its panels when they are gone: a picture, or a text

A copy is a folder with the chapters, their pictures, and `.muxlab/`, in which the course keeps what it has to remember.
"""
