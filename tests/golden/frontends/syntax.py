class M(:
    pass
