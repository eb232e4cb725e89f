"""Landing: the archive, the landed tables, their quality, and the sensor on new files."""
