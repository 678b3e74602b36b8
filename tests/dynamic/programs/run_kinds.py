import kinds

kinds.main()
