"""The project: settings, start-up and what every app may lean on."""

import pymysql

__version__ = "0.1.0"

# MariaDB through a driver without C code: Django asks for it by mysqlclient's name.
pymysql.install_as_MySQLdb()
