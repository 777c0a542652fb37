"""`python -m receiver`: the receiver outside Lambda."""

from receiver.server.main import main

if __name__ == "__main__":
    main()
