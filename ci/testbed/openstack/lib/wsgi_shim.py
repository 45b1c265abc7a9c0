"""WSGI entry for gunicorn: loads the application of TB_MODULE with TB_ARGV as its arguments.

Neutron and cinder parse sys.argv while their application is built, so
gunicorn's own arguments have to be out of the way by then.
"""
import importlib
import os
import shlex
import sys

sys.argv = shlex.split(os.environ['TB_ARGV'])
application = importlib.import_module(os.environ['TB_MODULE']).application
