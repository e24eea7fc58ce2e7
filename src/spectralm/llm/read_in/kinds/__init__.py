"""The kinds of read-ins: a module with a function ``body`` each."""
