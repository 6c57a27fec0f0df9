"""What the calls of the API do, a module for each noun. Plain functions of the state; HTTP is in `server`."""
