"""Jobs out of files and into files: the request format, its verdicts, and what came of them."""
