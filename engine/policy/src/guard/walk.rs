//! Walks a rule's syntax tree: every literal and every expression in it.

use regorus::unstable::{Expr, Literal, Query, Rule, RuleHead};

/// What a walk hands out.
pub(crate) enum Node<'t> {
    Expr(&'t Expr),
    Literal(&'t Literal),
}

/// Hands out everything in a rule, outermost first.
pub(crate) fn rule<'t>(rule: &'t Rule, visit: &mut dyn FnMut(Node<'t>)) {
    match rule {
        Rule::Spec { head, bodies, .. } => {
            match head {
                RuleHead::Compr { refr, assign, .. } => {
                    expr(refr, visit);
                    assign.iter().for_each(|a| expr(&a.value, visit));
                }
                RuleHead::Set { refr, key, .. } => {
                    expr(refr, visit);
                    key.iter().for_each(|k| expr(k, visit));
                }
                RuleHead::Func { args, assign, .. } => {
                    args.iter().for_each(|a| expr(a, visit));
                    assign.iter().for_each(|a| expr(&a.value, visit));
                }
            }
            for body in bodies {
                body.assign.iter().for_each(|a| expr(&a.value, visit));
                query(&body.query, visit);
            }
        }
        Rule::Default { args, value, .. } => {
            args.iter().for_each(|a| expr(a, visit));
            expr(value, visit);
        }
    }
}

fn query<'t>(query: &'t Query, visit: &mut dyn FnMut(Node<'t>)) {
    for stmt in &query.stmts {
        visit(Node::Literal(&stmt.literal));
        match &stmt.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().for_each(|k| expr(k, visit));
                expr(value, visit);
                expr(collection, visit);
            }
            Literal::Expr { expr: e, .. } | Literal::NotExpr { expr: e, .. } => expr(e, visit),
            Literal::Every { domain, query: q, .. } => {
                expr(domain, visit);
                self::query(q, visit);
            }
        }
        for with in &stmt.with_mods {
            expr(&with.r#as, visit);
        }
    }
}

/// Hands out an expression and everything in it.
pub(crate) fn expr<'t>(e: &'t Expr, visit: &mut dyn FnMut(Node<'t>)) {
    visit(Node::Expr(e));
    match e {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().for_each(|i| expr(i, visit));
        }
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                expr(key, visit);
                expr(value, visit);
            }
        }
        Expr::ArrayCompr { term, query: q, .. } | Expr::SetCompr { term, query: q, .. } => {
            expr(term, visit);
            query(q, visit);
        }
        Expr::ObjectCompr { key, value, query: q, .. } => {
            expr(key, visit);
            expr(value, visit);
            query(q, visit);
        }
        Expr::Call { params, .. } => params.iter().for_each(|p| expr(p, visit)),
        Expr::UnaryExpr { expr: e, .. } => expr(e, visit),
        Expr::RefDot { refr, .. } => expr(refr, visit),
        Expr::RefBrack { refr, index, .. } => {
            expr(refr, visit);
            expr(index, visit);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            expr(lhs, visit);
            expr(rhs, visit);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().for_each(|k| expr(k, visit));
            expr(value, visit);
            expr(collection, visit);
        }
    }
}
