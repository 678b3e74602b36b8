import ranks

children = [ranks.start(rank) for rank in range(2)]
for child in children:
    child.wait()
