"""One parent of everything: both servers and all processes, started, watched and stopped in order."""
