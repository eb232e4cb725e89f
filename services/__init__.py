"""What product teams call: one folder, one BentoML service. Services never import each other."""
