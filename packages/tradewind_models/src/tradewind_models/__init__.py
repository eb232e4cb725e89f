"""Models: the maths, one subpackage per family, each with the same four verbs."""
