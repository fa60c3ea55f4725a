"""The project: settings, start-up and what every app may lean on."""

import pymysql

# MariaDB through a driver without C code: Django asks for it by mysqlclient's name.
pymysql.install_as_MySQLdb()
