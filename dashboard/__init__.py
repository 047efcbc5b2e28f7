"""The war room's screen: reads Redis, draws what it holds, and writes nothing.

`snapshot_reader` asks Redis; `board` and what it imports turn a snapshot into words
and rows without knowing Streamlit; `page` and `panels` draw them.
"""
