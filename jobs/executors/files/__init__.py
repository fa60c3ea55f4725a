"""The parts of FILE_SYSTEM; other types reach files by `roots`."""
