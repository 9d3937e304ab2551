"""What a learner solves: the exercises of the chapters, and the museum of broken servers."""
