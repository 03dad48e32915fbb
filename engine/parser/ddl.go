package parser

func (c *compiler) merge(int) (*compiled, error)    { return nil, nil }
func (c *compiler) insert() (*compiled, error)      { return nil, nil }
func (c *compiler) update() (*compiled, error)      { return nil, nil }
func (c *compiler) delete(int) (*compiled, error)   { return nil, nil }
func (c *compiler) truncate() (*compiled, error)    { return nil, nil }
func (c *compiler) createTable() (*compiled, error) { return nil, nil }
func (c *compiler) dropTable() (*compiled, error)   { return nil, nil }
func (c *compiler) alterTable() (*compiled, error)  { return nil, nil }
func (c *compiler) describe() (*compiled, error)    { return nil, nil }
