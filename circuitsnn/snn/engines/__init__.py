"""What can hold a layer in place of exact arithmetic: matrices of a circuit, and neurons of a circuit."""
