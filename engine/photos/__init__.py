"""Geotagged photos as embedding tables: where and when they were taken, their pixels, and their vectors."""
