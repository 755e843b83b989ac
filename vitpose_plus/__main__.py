"""``python -m vitpose_plus``."""

from vitpose_plus.commands import main

if __name__ == '__main__':
    main()
