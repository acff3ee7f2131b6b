from mapper.handoff.common import *  # replaced by that file's text in deploy.py
