"""The course as a website: every chapter as it is stored, with panels that play and questions that can be answered.

`make book` builds it into `book/_build/html`; open `index.html` there, a server is not needed. The pages come from the
notebooks and nothing is run again, but for the panels: where a notebook stores a picture of a panel, the book plays a
recording, made from the real servers while the book is built.

    site         the whole way: put the source together, let Sphinx build it
    chapter      a notebook as a page of the book
    questions    a question and the line below its experiment, as the notebook stores them
    exercises    an exercise on a page where nothing can be run: what it is about, its hints, its solution
    fold         what follows a question is folded until the reader has answered (an extension of Sphinx)
    record       the recordings of a chapter's panels, and of its timelines
    needed       what a panel's cell needs of the cells above it
    stories      what each panel performs while it is recorded; those of the steppers are in step_stories
    landing      the first page: its list of chapters, its two recordings
    conf         Sphinx's own configuration
"""
