"""What the features are: entities, sources, feature views by entity, and one feature service per model. Nothing is computed here."""
