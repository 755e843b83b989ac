from vitpose_plus.commands import main

if __name__ == '__main__':
    main(command='predict')
