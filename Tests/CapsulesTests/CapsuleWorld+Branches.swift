extension CapsuleWorld {
    static let beside = """
        flow: beside
        kind: page
        access: [customer]
        input:
          name: { type: string }
          skus: { type: json }
        output:
          left: ${ blocks.both.ask.each.items }
          total: ${ blocks.both.note.order.total }
          failures: ${ blocks.both.note.some.failures.map(f, f.index) }
        blocks:
          - block: set-variables
            set: { base: 10 }
          - id: both
            block: parallel
            branches:
              ask:
                - id: each
                  block: for-each
                  each: input.skus
                  as: sku
                  concurrency: 2
                  do:
                    - id: stock
                      block: http-request
                      connection: stock
                      method: POST
                      path: /stock
                      effect: safe
                      body: { sku: '${ sku }' }
                    - id: noted
                      block: insert-record
                      table: orders
                      set: { name: '${ input.name } ${ index }', total: '${ blocks.stock.body.left + vars.base }' }
                  collect: '${ blocks.noted.total }'
              note:
                - id: order
                  block: insert-record
                  table: orders
                  set: { name: '${ input.name }', total: '${ vars.base }' }
                - id: some
                  block: for-each
                  each: '[1, 0, 2]'
                  as: number
                  concurrency: 3
                  onFailure: continue
                  do:
                    - block: conditional-branch
                      branches:
                        - when: number == 0
                          do:
                            - block: fail
                              error: { code: none, message: 'none of ${ index }' }
        """

    static let race = """
        flow: race
        kind: page
        access: [customer]
        input:
          name: { type: string }
        output:
          first: ${ blocks.either.first }
          why: ${ vars.why }
        blocks:
          - block: set-variables
            set: { why: none }
          - id: either
            block: parallel
            join: first
            branches:
              never:
                - { id: long, block: wait, for: 1d }
              quick:
                - id: order
                  block: insert-record
                  table: orders
                  set: { name: '${ input.name }', total: 1 }
          - id: stopped
            block: for-each
            each: '[3, 2, 1, 0, 5, 6]'
            as: number
            concurrency: 2
            do:
              - id: left
                block: insert-record
                table: orders
                set: { name: '${ input.name } ${ number }', total: '${ number }' }
            fail:
              - block: set-variables
                set: { why: '${ error.code } at ${ error.block }' }
        """
}
