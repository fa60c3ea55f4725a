"""The parts of REPORT. Most of them are imported by the first run alone: they cost memory."""
