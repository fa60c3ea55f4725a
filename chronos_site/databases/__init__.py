"""Django's three database backends with what the schema needs and they lack.

A foreign key by `schema.cascade` or `schema.set_null` gets its ON DELETE rule in the database,
whenever a migration makes it or makes it anew; views and triggers stand aside while a table
they depend on is altered, and come back.
"""
