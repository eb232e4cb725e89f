"""The mechanisms of the marketplace, one module each: parameters with their sources, a step a day, what it keeps."""
