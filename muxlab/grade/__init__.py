"""`grade`: the exercises of a whole class, graded in processes that can neither hang nor fool the teacher's.

classroom     one examiner for each answer, some of them at a time; a row for each
copies        the learners' folders, and their notebooks
answer        what has to be run of a notebook, and no more
examiner      the process that examines one answer
candidate     the process in which a learner's code is run
candidate_process  the same, from the examiner's side
bounds        what that one may take
hosted        a learner's server in such a process, and what the kernel tells of it
outside       the trials, run from outside
process_tree  all that a process has started, also what tries to get away

**Where trust ends.** A learner's code runs in a candidate only, and there it can do what it likes: print a verdict,
write one to the examiner's socket, patch this package, end the process. So the word of a candidate is believed only
when the answer has not passed. When it says that all trials were passed, they are run again from outside: the clients
are in the examiner, the server is in a candidate, and what is judged is what comes back over TCP and what the kernel
tells. An answer that passes its own check and not this one is "doubtful", and left to a human being.

What is not seen from outside is believed: which calls a server makes, beyond the one that it sleeps in; objects that
pile up in memory; and the trials in `outside.UNSEEN`. Nor can an honest server be told from one that behaves only
when it is being examined.

**This is no sandbox.** Limits, a session of its own and an empty environment stop mistakes and mischief. They do not
stop somebody who means harm: the code runs on your account, can read your files, reach the network, and end or trace
your processes. Grade on an account of its own, better still in a container, and not as root.
"""
