"""Celery: `celery -A embassy.workers worker`. Tasks are in tasks.py, the timetable in schedule.py."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "embassy.platform.settings")
