"""Looking inside a running server: the calls it makes, the kernel's tables beside it, and stepping through it."""
