"""The parts of DB_TO_KAFKA: messages made of rows, and how far a stream has come."""
