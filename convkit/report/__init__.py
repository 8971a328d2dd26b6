"""What people see: numbers, tables and messages."""
