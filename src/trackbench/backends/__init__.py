"""One file for each access method, the interface they share and how they are found."""
