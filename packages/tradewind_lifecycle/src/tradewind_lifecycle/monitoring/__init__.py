"""Watching versions after they were served: do the questions, the answers and the outcomes still look like those they were judged on?"""
