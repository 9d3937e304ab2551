"""`grade`: the exercises of a whole class, graded in processes that can neither hang nor fool the teacher's.

classroom          one examination for each answer, some of them at a time; a row for each
copies             the learners' folders, and their notebooks
reader             the process that reads a chapter before any answer is run
cells, needs       the code of a notebook, and what has to be run of it for a name in it
answer             what was handed in, with all that it needs
grades, table      what came of an answer, and the file with all of that
examination        an examiner's process, from the classroom's side
examiner           the process that examines one answer
candidate          the process in which a learner's code is run
candidate_process  the same, from the examiner's side
bounds             what that one may use
isolation          how it is started: nothing of the learner's or the teacher's is found
hosted             a learner's server in such a process, and what the kernel tells of it
outside            the trials, run from outside
process_tree       all that a process has started, also what tries to get away

**Where trust ends.** A learner's code runs in a candidate only, and there it can do what it likes: print a verdict,
write one to the examiner's socket, patch this package, end the process. So the word of a candidate is believed only
when the answer has not passed. When it says that all trials were passed, they are run again from outside: the clients
are in the examiner, the server is in a candidate, and what is judged is what comes back over TCP and what the kernel
tells. An answer that passes its own check and not this one is "doubtful", and left to a human being.

What is not seen from outside is believed: which calls a server makes, beyond the one that it sleeps in; objects that
pile up in memory; and the trials in `outside.UNSEEN`, which the row of a passed answer names. Nor can an honest server
be told from one that behaves only when it is being examined.

**What one answer does to others.** All that was handed in is read before the first answer is run, in processes with
limits; whatever goes wrong with one answer is a row; each has a folder of its own, and what it leaves behind is ended
and removed before its row is told. The table is written anew from memory at the end. The examiners cannot be traced by
other processes of the account (`hide_from_learners`), unless that is root.

**This is no sandbox.** Limits, a session of its own and an empty environment stop mistakes and mischief. They do not
stop somebody who means harm: the code runs on your account, can read and change your files, reach the network, and end
your processes. Among the files is this package: whoever rewrites it decides about all learners after them. Grade on an
account of its own that cannot write to the installation, better still in a container, and not as root.
"""
